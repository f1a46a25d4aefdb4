import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

export interface ModuleGraph {
  /** Text by path within the built tree; an index of a lib names only what is used of it */
  files: Map<string, string>;
  /** Names of npm packages that these files import */
  packages: Set<string>;
}

interface Import {
  from: string;
  /** What is taken; undefined: everything */
  names?: string[];
}

const LIB = /^#libs\/([a-z-]+)$/;

/**
 * What one built program needs of the built tree. Each lib has one index that names all of it, and a kiosk needs little of
 * most: of an index, which only passes names on, no more is followed, and kept, than the names that are used.
 *
 * @param dist  the folder `tsc -b` writes to
 * @param entry within it
 */
export function moduleGraph(dist: string, entry: string): ModuleGraph {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const used = new Map<string, Set<string>>();

  const visit = (file: string): void => {
    if (files.has(file)) return;
    const text = readFileSync(join(dist, file), 'utf8');
    files.set(file, text);
    for (const { from, names } of importsOf(file, text)) {
      const lib = LIB.exec(from)?.[1];
      if (lib) use(`libs/${lib}/src/index.js`, names);
      else if (from.startsWith('.')) visit(join(dirname(file), from));
      else if (!from.startsWith('node:')) packages.add(packageOf(from));
    }
  };
  const use = (index: string, names: string[] | undefined): void => {
    if (!names) throw new Error(`${index} is imported as a whole: name what is used of it`);
    const known = used.get(index) ?? new Set();
    used.set(index, known);
    for (const name of names.filter((each) => !known.has(each))) {
      known.add(name);
      visit(join(dirname(index), exporterOf(join(dist, index), name)));
    }
  };

  visit(entry);
  for (const [index, names] of used) files.set(index, indexOf(join(dist, index), names));
  return { files, packages };
}

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const bindings = node.importClause?.namedBindings;
      const named = bindings && ts.isNamedImports(bindings);
      const names = named ? bindings.elements.map((each) => (each.propertyName ?? each.name).text) : undefined;
      found.push({ from: node.moduleSpecifier.text, names });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ from: node.moduleSpecifier.text });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) found.push({ from: argument.text });
    }
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true));
  return found;
}

/** The lines of an index: `export { a, b as c } from './x.js'`. @throws Error for an index that does anything else */
function linesOf(index: string): { from: string; names: { local: string; exported: string }[] }[] {
  const source = ts.createSourceFile(index, readFileSync(index, 'utf8'), ts.ScriptTarget.ES2023, true);
  return source.statements.map((line) => {
    const clause = ts.isExportDeclaration(line) ? line.exportClause : undefined;
    if (!ts.isExportDeclaration(line) || !line.moduleSpecifier || !clause || !ts.isNamedExports(clause)) {
      throw new Error(`${index} does more than pass names on`);
    }
    const names = clause.elements.map(({ name, propertyName }) => ({
      ...{ exported: name.text, local: (propertyName ?? name).text },
    }));
    return { from: (line.moduleSpecifier as ts.StringLiteral).text, names };
  });
}

function exporterOf(index: string, name: string): string {
  const line = linesOf(index).find(({ names }) => names.some(({ exported }) => exported === name));
  if (!line) throw new Error(`${relative('.', index)} exports no ${name}`);
  return line.from;
}

function indexOf(index: string, used: ReadonlySet<string>): string {
  const lines = linesOf(index).map(({ from, names }) => {
    const kept = names.filter(({ exported }) => used.has(exported));
    const list = kept.map(({ local, exported }) => (local === exported ? local : `${local} as ${exported}`));
    return kept.length > 0 ? `export { ${list.join(', ')} } from '${from}';\n` : '';
  });
  return lines.join('');
}

/** `@scope/name/deep/file` → `@scope/name` */
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
