// Draws {name: Mermaid text} from stdin with the Mermaid in the file argv[2], and prints {name: SVG}.
// jsdom measures nothing, so every letter is taken to be 8 wide.
const fs = require("fs");
const vm = require("vm");
const { JSDOM } = require("jsdom");

const dom = new JSDOM("<!doctype html><body></body>", {
  runScripts: "outside-only",
  pretendToBeVisual: true,
});
const { window } = dom;
const width = (element) => 8 * (element.textContent || "").length + 8;
const box = function () {
  const wide = width(this);
  return { x: 0, y: 0, width: wide, height: 16, top: 0, left: 0, right: wide, bottom: 16 };
};
Object.assign(window.Element.prototype, {
  getBBox: box,
  getBoundingClientRect: box,
  getComputedTextLength() {
    return width(this);
  },
  getTotalLength: () => 100,
  getPointAtLength: () => ({ x: 0, y: 0 }),
});
window.structuredClone = structuredClone;
window.CSSStyleSheet.prototype.replaceSync ??= function () {};
new vm.Script(fs.readFileSync(process.argv[2], "utf8")).runInContext(dom.getInternalVMContext());

(async () => {
  const found = {};
  window.mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
  for (const [name, text] of Object.entries(JSON.parse(fs.readFileSync(0, "utf8")))) {
    try {
      found[name] = (await window.mermaid.render(`drawn${Object.keys(found).length}`, text)).svg;
    } catch (error) {
      found[name] = `ERROR ${error}`;
    }
  }
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
})();
