const [M, S, T] = data.predicted.shape
const [m, s, t, c] = [model, segment, track, score].map(select => Number(select.value))
const bins = data.measured.shape[2], window = data.attribution.shape[4]
const place = s * T + t, predictedAt = (m * S + s) * T + t
const around = (panel, values) => {
  const low = Math.min(0, ...values), high = Math.max(0, ...values)
  fit(panel.y_range, low * 1.05, (high > low ? high : low + 1) * 1.05)
}
const kb = bin_bp / 1000, start = data.start[s] / 1000, read = data.position[place] / 1000
const left = Array.from({length: bins}, (_, bin) => start + bin * kb)
const right = left.map(x => x + kb)
measured.data = {left, right, top: at(data.measured, place, bins)}
predicted.data = {left, right, top: at(data.predicted, predictedAt, bins), colour: left.map(() => colours[m])}
around(panels.measured, measured.data.top)
around(panels.predicted, predicted.data.top)
panels.measured.title.text = `Measured: ${track.options[t][1]}, ${data.contig[s]}`
const rOf = row => data.r[(m * S + row) * T + t]
segment.options = names.map((name, row) => [String(row), name + (isNaN(rOf(row)) ? "" : `, r = ${rOf(row).toFixed(3)}`)])
const r = rOf(s)
panels.predicted.title.text = `Predicted by ${model.options[m][1]}` +
  (isNaN(r) ? "" : `, r = ${r.toFixed(3)}`)
const scored = ((m * data.attribution.shape[1] + c) * S + s) * T + t
const values = at(data.attribution, scored, window)
const edges = values.map((_, bin) => read + (bin - window / 2) * kb)
const there = values.some(value => !isNaN(value))
attribution.data = there
  ? {left: edges, right: edges.map(x => x + kb), top: values, colour: values.map(() => score_colours[c])}
  : {left: [], right: [], top: [], colour: []}
around(panels.attribution, attribution.data.top)
panels.attribution.title.text = there
  ? `${score.options[c][1]} of the marked read-out`
  : `${model.options[m][1]} has no ${score.options[c][1].toLowerCase()}`
const drawn = data.arcs.shape[3], first = scored_arcs => at(scored_arcs, predictedAt, drawn)
const to = first(data.arcs).filter(x => !isNaN(x)).map(x => x / 1000)
const weight = first(data.weights).slice(0, to.length)
arcs.data = {x0: to.map(() => read), x1: to, cx0: to.map(() => read), cx1: to,
  y0: to.map(() => 0), y1: to.map(() => 0), cy: to.map(x => Math.abs(x - read)), weight, width: weight.map(w => 1 + 5 * w)}
fit(panels.arcs.y_range, 0, 0.8 * Math.max(kb, ...arcs.data.cy))
panels.arcs.title.text = to.length
  ? `Attention: the ${to.length} bins with the most`
  : `${model.options[m][1]} has no attention`
const known = sites[s]
places.data = known
fit(panels.places.y_range, 0, Math.max(1, ...known.top))
panels.places.title.text = known.name.length ? "Known sites and elements" : "No known site in this segment"
for (const [line, side] of [[low, -1], [high, 1]]) line.location = read + side * readout_bp / 2000
fit(x_range, Math.min(left[0], edges[0]), Math.max(right[bins - 1], edges[window - 1] + kb))
