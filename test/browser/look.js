// Collects what a reader sees of a page or picture inside an iframe. Run by t/070_browser.pl in Chromium.
'use strict';

function visible(element) {
  return element.getClientRects().length > 0;
}

// Pairs of texts of one picture that overlap by more than a pixel in both directions.
function overlaps(elements) {
  const boxes = elements.map((e) => ({ text: e.textContent, r: e.getBoundingClientRect() }))
    .filter((b) => b.r.width > 0);
  const found = [];
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length; j++) {
      const a = boxes[i].r, b = boxes[j].r;
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3) {
        found.push(boxes[i].text.slice(0, 30) + ' | ' + boxes[j].text.slice(0, 30));
      }
    }
  }
  return found;
}

// Contrast of two colours: WCAG 2.1, "contrast ratio" and "relative luminance".
function contrast(one, two) {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(one), luminance(two)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function look(frame) {
  const view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
  const pictures = (root.localName === 'svg' ? [root] : [...page.querySelectorAll('svg')]).filter(visible);
  const facts = {
    title: page.title, pictures: pictures.length, scripts: page.querySelectorAll('script').length,
    loaded: view.performance.getEntriesByType('resource').length,
    wider: root.localName === 'svg' ? 0 : root.scrollWidth - root.clientWidth,
    dark: view.matchMedia('(prefers-color-scheme: dark)').matches,
    overlaps: [], outside: [], crowded: [], faint: [], tiny: [], kinds: {}, cells: 0, pooled: 0, hatched: 0,
    words: root.textContent.replace(/\s+/g, ' '),
  };
  for (const picture of pictures) {
    const kind = picture.getAttribute('class').replace('retention-plot ', '');
    facts.kinds[kind] = (facts.kinds[kind] || 0) + 1;
    const box = picture.getBoundingClientRect(), texts = [...picture.querySelectorAll('text')];
    facts.overlaps.push(...overlaps(texts).map((pair) => kind + ': ' + pair));
    for (const text of texts) {
      const r = text.getBoundingClientRect();
      if (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1) {
        facts.outside.push(kind + ': ' + text.textContent.slice(0, 40));
      }
      if (parseFloat(view.getComputedStyle(text).fontSize) * box.width / picture.viewBox.baseVal.width < 9) {
        facts.tiny.push(kind + ': ' + text.textContent.slice(0, 40));
      }
    }
    for (const cell of picture.querySelectorAll('.cell, .pooled')) {
      const rect = cell.querySelector('rect'), text = cell.querySelector('text');
      if (text.getBoundingClientRect().width > rect.getBoundingClientRect().width + 1) {
        facts.crowded.push(text.textContent);
      }
      if (contrast(view.getComputedStyle(rect).fill, view.getComputedStyle(text).fill) < 4.5) {
        facts.faint.push(cell.getAttribute('class') + ' ' + text.textContent);
      }
    }
    facts.cells += picture.querySelectorAll('.cell').length;
    facts.pooled += picture.querySelectorAll('.pooled').length;
    facts.hatched += picture.querySelectorAll('.cell rect[fill^="url("]').length;
  }
  if (root.localName !== 'svg') {
    const texts = 'h1, h2, section > p, header > p, footer > p, summary, .tile b, .tile p, li';
    facts.overlaps.push(...overlaps([...page.querySelectorAll(texts)].filter(visible)));
    for (const text of page.querySelectorAll('h1, h2, p, b, td, summary')) {
      if (visible(text) && parseFloat(view.getComputedStyle(text).fontSize) < 11) {
        facts.tiny.push(text.textContent.slice(0, 40));
      }
    }
  }
  // Where the columns of tables end that are visible without a click, by card and heading, and the least legend text.
  facts.columns = {};
  for (const heading of page.querySelectorAll('section > .scroll th')) {
    const card = heading.closest('section').querySelector('h2').textContent;
    facts.columns[card + ': ' + heading.textContent] = Math.round(heading.getBoundingClientRect().right);
  }
  // The width of the screen that a picture would need beyond what it can be moved in.
  facts.cut = [...page.querySelectorAll('.picture')].filter(visible)
    .filter((p) => p.scrollWidth > p.clientWidth + 1 && view.getComputedStyle(p).overflowX !== 'auto').length;
  facts.links = [...page.querySelectorAll('a[download]')].filter(visible).length;
  return facts;
}

window.onload = () => {
  const facts = {};
  for (const frame of document.querySelectorAll('iframe')) facts[frame.name] = look(frame);
  const said = document.createElement('pre');
  said.id = 'said';
  said.textContent = JSON.stringify(facts);
  document.body.replaceChildren(said);
};
