import type { Endpoint } from '@matrix-futures/http';
import type { Chapter } from './document.ts';

/** A page to read the description on: one file, nothing loaded, no scripts. */
export function openApiPage(chapters: readonly Chapter[]): string {
  const sections = chapters.map(
    ({ name, endpoints }) => `<h2>${text(name)}</h2>\n${endpoints.map(entry).join('\n')}`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>matrix-futures</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  code, pre { font: 14px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
  pre { overflow-x: auto; padding: .5rem 1rem; border-left: 3px solid #888 }
  summary { cursor: pointer }
  summary b { display: inline-block; min-width: 4rem }
  details { border-top: 1px solid #8884; padding: .3rem 0 }
</style>
<h1>matrix-futures</h1>
<p>What this server serves to schedule events, manage them and list them. The same for programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
</html>
`;
}

function entry({ methods, paths, summary, authentication, when, query, body, answers }: Endpoint): string {
  const [path = '', ...others] = paths.map((one) => `<code>${text(one)}</code>`);
  const parameters = when?.parameters.map((name) => `<code>${text(name)}</code>`).join(' or ');
  return [
    `<details><summary><b>${methods.join(', ')}</b> ${path} ${text(summary)}</summary>`,
    `<p>Login: ${loginWords[authentication]}.${parameters === undefined ? '' : ` Only with ${parameters}.`}</p>`,
    others.length === 0 ? '' : `<p>Also ${others.join(', ')}</p>`,
    schema('Query', query?.properties ?? {}),
    schema('Body', body ?? {}),
    schema('Answers', answers ?? {}),
    '</details>',
  ].join('\n');
}

const loginWords = { required: 'needed', optional: 'looked at when it is there', none: 'none' } as const;

function schema(title: string, value: object): string {
  return Object.keys(value).length === 0
    ? ''
    : `<p>${title}</p><pre>${text(JSON.stringify(value, null, 2))}</pre>`;
}

function text(raw: string): string {
  return raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
