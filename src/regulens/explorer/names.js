// Writes the names of sites or elements, centred on their boxes, as far as there is room where the plot is zoomed to: from left
// to right, each that neither leaves the plot nor meets the name before it.
const {start, end} = panel.x_range, letter = 6.5 * (end - start) / panel.inner_width
const {left, right, bottom, text} = boxes.data
const middle = i => (left[i] + right[i]) / 2, half = i => (text[i].length + 1) / 2 * letter
const taken = {}, shown = [...text.keys()].filter(i => text[i]).sort((a, b) => middle(a) - middle(b)).filter(i => {
  const fits = middle(i) - half(i) > (taken[bottom[i]] ?? start) && middle(i) + half(i) < end
  if (fits) taken[bottom[i]] = middle(i) + half(i)
  return fits
})
names.data = {x: shown.map(middle), y: shown.map(i => bottom[i]), text: shown.map(i => text[i])}
