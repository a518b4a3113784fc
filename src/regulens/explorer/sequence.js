const of = tasks[task.value]
if (cb_obj === task) {
  sequence.options = of.options
  sequence.value = "0"
}
const row = Number(sequence.value), length = of.codes.shape[1]
const codes = at(of.codes, row, length)
of.scores.forEach((name, number) => {
  const heights = at(of.values, number * of.codes.shape[0] + row, length)
  fit(panels[name].y_range, Math.min(0, ...heights), Math.max(0, ...heights))
  panels[name].title.text = titles[name] + (heights.every(value => value === 0) ? ": zero at every base" : "")
  logos[name].data = {
    xs: codes.map((code, base) => Array.from(letters[code].x, x => x + base)),
    ys: codes.map((code, base) =>
      // Below zero a letter hangs, upright.
      Array.from(letters[code].y, y => (heights[base] < 0 ? 1 - y : y) * heights[base])),
    colour: codes.map(code => letters[code].colour),
    letter: codes.map(code => letters[code].name), base: codes.map((_, base) => base), value: heights,
  }
})
for (const [name, panel] of Object.entries(panels)) panel.visible = of.scores.includes(name)
places.data = of.sites[row]
fit(title.y_range, 0, Math.max(1, ...of.sites[row].top))
title.title.text = of.sites[row].name.length ? "Known sites" : "No known site in this sequence"
const curves = of.mutants[row], along = values => curves.xs.flatMap((xs, line) => xs.map(() => values[line]))
mutants.data = curves
points.data = {x: curves.xs.flat(), y: curves.ys.flat(), colour: along(curves.colour), label: along(curves.label)}
curve.text = `Mean of ${of.draws} draws of random bases`
fit(mutated, 0, of.mutated[of.mutated.length - 1])
fit(x_range, 0, length)
