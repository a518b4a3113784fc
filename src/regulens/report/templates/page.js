// Marks the current section in the contents, filters them, and unfolds what a link leads into.
const links = new Map([...document.querySelectorAll("nav a[href^='#']")].map(a => [a.hash.slice(1), a]));
const places = [...links.keys()].map(id => document.getElementById(id)).filter(Boolean);
const mark = () => {
  const passed = places.filter(place => place.getBoundingClientRect().top < 120);
  const current = (passed.pop() || places[0]).id;
  for (const [id, link] of links) {
    if (id === current && !link.hasAttribute("aria-current")) {
      link.setAttribute("aria-current", "true");
      const box = link.closest("nav");
      if (getComputedStyle(box).position === "sticky") box.scrollTop = link.offsetTop - box.clientHeight / 2;
    } else if (id !== current) {
      link.removeAttribute("aria-current");
    }
  }
};
document.addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
mark();
// All words of the article, or else of what is between two headings, that an entry of the contents leads to.
const textOf = link => {
  const parts = [link, document.getElementById(link.hash.slice(1))];
  for (let next = parts[1]; parts[1].tagName === "H3" && (next = next.nextElementSibling) && next.tagName !== "H3";) parts.push(next);
  const words = parts.map(part => part.textContent.toLowerCase()).join(" ");
  return words.replace(/[0-9a-f]{12,}/g, "").replace(/\s+/g, " ");  // without hashes
};
const entries = [...document.querySelectorAll("nav li li")].map(item => ({ item, text: textOf(item.querySelector("a")) }));
document.querySelector(".find input").addEventListener("input", event => {
  const words = event.target.value.trim().toLowerCase().replace(/\s+/g, " ");
  for (const { item, text } of entries) item.hidden = !text.includes(words);
  document.querySelector(".find output").textContent = entries.every(({ item }) => item.hidden) ? "Nothing found" : "";
});
// Where the contents are above the page, they would hide it, until the button leads back to them.
const contents = document.querySelector("nav details");
if (!matchMedia("(min-width: 70rem)").matches) contents.open = false;
document.querySelector(".to-contents").addEventListener("click", () => { contents.open = true; });
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
};
addEventListener("hashchange", unfold);
unfold();
