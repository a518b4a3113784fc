// Before the script of each tab, which copies what was chosen into the sources of its plots.
// A part of a flat array, the number-th of this size; a range that the reset tool comes back to; a number with a real minus.
const at = (values, number, size) => Array.prototype.slice.call(values, number * size, (number + 1) * size)
const fit = (range, low, high) => range.setv({start: low, end: high, reset_start: low, reset_end: high})
const signed = value => value.toFixed(3).replace("-", "−")
