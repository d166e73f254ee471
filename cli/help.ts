import type { Option, Options } from './args.ts';
import type { Command } from './command.ts';
import { VERSION } from './version.ts';

const HEAD = `uhub ${VERSION}: the command line of a uHub hub.`;
const TAIL = `  --json on any command prints the API's own JSON; --help says more of one.
  In place of signing in, for programs: UHUB_URL and UHUB_TOKEN.
  Exit codes: 0 done, and the run succeeded; 1 refused; 2 not understood; 3 not signed in; 10 the run failed; 11 it was canceled;
  12 it was lost; 130 interrupted. The whole of it: docs/cli.md.`;

const rows = (lines: readonly (readonly [string, string])[]): string => {
	const width = Math.max(...lines.map(([left]) => left.length));
	return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const headOf = ({ name, operands }: Command): string => ['uhub', name, ...operands].join(' ');

export function helpOfAll(commands: readonly Command[]): string {
	return [HEAD, rows(commands.map((one) => [headOf(one), one.summary])), TAIL].join('\n\n');
}

const typed = (name: string, option: Option): string => {
	if (option.kind === 'flag') return option.short ? `-${option.short}, --${name}` : `--${name}`;
	return `--${name} ${option.value}`;
};

export function helpOf(command: Command): string {
	const options = Object.entries(command.options satisfies Options).map(([name, option]): [string, string] => [
		typed(name, option),
		option.kind === 'many' ? `${option.doc} (again and again)` : option.doc,
	]);
	return [`${headOf(command)} [options]`, `  ${command.summary}`, rows(options)].join('\n\n');
}
