/** The house's own lint rules, for oxlint: what they judge by is in arrows.ts. */
import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import type { RuleTester } from 'oxlint/plugins-dev';
import { judgeImport, judgePath } from './arrows.ts';

type Rule = Parameters<RuleTester['run']>[1];

const declaredBy = new Map<string, readonly string[]>();

function declared(root: string, file: string): readonly string[] {
  const directory = file.split('/').slice(0, 2).join('/');
  let names = declaredBy.get(directory);
  if (names === undefined) {
    const manifest: { dependencies?: object } = JSON.parse(
      readFileSync(`${root}/${directory}/package.json`, 'utf8'),
    );
    names = Object.keys(manifest.dependencies ?? {});
    declaredBy.set(directory, names);
  }
  return names;
}

/** Imports of every kind: static, dynamic, of types, and re-exports. */
const arrows: Rule = {
  create(context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/');
    const judge = (source: { type: string; value?: unknown } | null): void => {
      if (source === null || typeof source.value !== 'string') return;
      const inPackage = /^packages\/[^/]+\/src\//.test(file);
      const message = judgeImport({
        file,
        specifier: source.value,
        declared: inPackage ? declared(context.cwd, file) : [],
      });
      if (message !== null)
        context.report({ loc: context.sourceCode.ast.loc, message: `${source.value}: ${message}` });
    };
    return {
      ImportDeclaration: (node) => judge(node.source),
      ExportNamedDeclaration: (node) => judge(node.source),
      ExportAllDeclaration: (node) => judge(node.source),
      ImportExpression: (node) => judge(node.source),
      TSImportType: (node) => judge(node.source),
    };
  },
};

const paths: Rule = {
  create(context) {
    return {
      Program(node) {
        const message = judgePath(relative(context.cwd, context.filename).split(sep).join('/'));
        if (message !== null) context.report({ node, message });
      },
    };
  },
};

export default { meta: { name: 'house' }, rules: { arrows, paths } };
