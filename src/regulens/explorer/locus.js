const [M, S, T] = data.predicted.shape
const [m, s, t] = [model, segment, track].map(select => Number(select.value))
const offered = offers[m], explained = offered.length > 0
score.visible = panels.attribution.visible = explained
if (explained && !offered.some(([number]) => number === score.value)) {
  // This runs the script again.
  score.setv({options: offered, value: offered[0][0]})
  return
}
score.options = offered
const bins = data.measured.shape[2], window = data.attribution.shape[4]
const place = s * T + t, predictedAt = (m * S + s) * T + t
const around = (range, values) => {
  const low = Math.min(0, ...values), high = Math.max(0, ...values)
  fit(range, low * 1.05, (high > low ? high : low + 1) * 1.05)
}
const kb = bin_bp / 1000, start = data.start[s] / 1000, read = data.position[place] / 1000
const left = Array.from({length: bins}, (_, bin) => start + bin * kb)
const right = left.map(x => x + kb)
coverage.data = {left, right, measured: at(data.measured, place, bins), predicted: at(data.predicted, predictedAt, bins),
  colour: left.map(() => colours[m])}
around(panels.measured.y_range, [...coverage.data.measured, ...coverage.data.predicted])
target.setv({left: left[0], right: right[bins - 1]})
panels.measured.title.text = `Measured: ${track.options[t][1]}, ${data.contig[s]}`
const rOf = row => data.r[(m * S + row) * T + t]
const sortedAs = row => isNaN(rOf(row)) ? -2 : rOf(row)
segment.options = [...names.keys()].sort((a, b) => sortedAs(b) - sortedAs(a))
  .map(row => [String(row), (isNaN(rOf(row)) ? "no r" : `r = ${signed(rOf(row))}`) + `, ${names[row]}`])
panels.predicted.title.text = `Predicted by ${model.options[m][1]}` + (isNaN(rOf(s)) ? "" : `, r = ${signed(rOf(s))}`)
const c = Number(score.value)
const values = at(data.attribution, ((m * data.attribution.shape[1] + c) * S + s) * T + t, window)
const edges = values.map((_, bin) => read + (bin - window / 2) * kb)
attribution.data = {left: edges, right: edges.map(x => x + kb), top: values, colour: values.map(() => score_colours[c])}
around(panels.attribution.y_range, values.filter(value => !isNaN(value)))
panels.attribution.title.text = explained ? `${Object.fromEntries(offered)[c]} of the read-out` : ""
const drawn = data.arcs.shape[3], first = scored_arcs => at(scored_arcs, predictedAt, drawn)
const to = first(data.arcs).filter(x => !isNaN(x)).map(x => x / 1000)
const weight = first(data.weights).slice(0, to.length)
arcs.data = {x0: to.map(() => read), x1: to, cx0: to.map(() => read), cx1: to,
  y0: to.map(() => 0), y1: to.map(() => 0), cy: to.map(x => Math.abs(x - read)), weight, width: weight.map(w => 1 + 5 * w)}
fit(panels.arcs.y_range, 0, 0.8 * Math.max(kb, ...arcs.data.cy))
panels.arcs.title.text = `Attention: the ${to.length} bins with the most`
panels.arcs.visible = to.length > 0
const known = sites[s]
places.data = known
// Below the elements are their names.
fit(panels.places.y_range, -0.8, Math.max(1, ...known.top))
panels.places.title.text = known.name.length ? "Known sites and elements" : "No known site in this segment"
for (const [line, side] of [[low, -1], [high, 1]]) line.location = read + side * readout_bp / 2000
fit(x_range, Math.min(left[0], edges[0]), Math.max(right[bins - 1], edges[window - 1] + kb))
