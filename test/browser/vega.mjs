// Compiles Vega-Lite specifications and draws them: vega.mjs FILE... Prints one line of JSON a file.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages lie in the folder this is started in.
const here = createRequire(pathToFileURL(process.cwd() + '/'));
const load = (name) => import(pathToFileURL(here.resolve(name)).href);
const vega = await load('vega');
const { compile } = await load('vega-lite');

for (const file of process.argv.slice(2)) {
  const said = [];
  const tell = (level) => (...words) => { said.push(level + ': ' + words.join(' ')); return logger; };
  const logger = { level: () => logger, error: tell('error'), warn: tell('warn'), info: () => logger,
    debug: () => logger };
  const spec = JSON.parse(readFileSync(file, 'utf8'));
  let svg = '';
  try {
    const view = new vega.View(vega.parse(compile(spec, { logger }).spec), { renderer: 'none', logger });
    svg = await view.toSVG();
  } catch (error) {
    said.push('error: ' + error.message);
  }
  const count = (pattern) => (svg.match(pattern) || []).length;
  console.log(JSON.stringify({ said, texts: count(/<text/g), paths: count(/<path/g), svg: svg.startsWith('<svg'),
    bad: count(/NaN|undefined/g), script: count(/<script/g) }));
}
