import { plainText } from '#domain/terminal.ts';
import type { Command, Shell } from './command.ts';
import { commands } from './commands/index.ts';
import { complete } from './complete.ts';
import { told, usage } from './failure.ts';
import { helpOf, helpOfAll } from './help.ts';
import { VERSION } from './version.ts';

/** Runs one command to its end; answers the exit code. */
export async function program(argv: readonly string[], shell: Shell): Promise<number> {
	try {
		return await chosen(argv, shell);
	} catch (error) {
		const { message, exit } = told(error);
		shell.stderr.write(`uhub: ${plainText(message)}\n`);
		return exit;
	}
}

async function chosen(argv: readonly string[], shell: Shell): Promise<number> {
	const say = (text: string) => {
		shell.stdout.write(`${text}\n`);
		return 0;
	};
	const [first] = argv;
	if (first === undefined || first === '--help' || first === '-h' || first === 'help') return say(helpOfAll(commands));
	if (first === '--version') return say(VERSION);
	// What the shells' completions call; for nobody to type.
	if (first === 'complete') return say(complete(argv.slice(2), commands).join('\n'));

	const { command, args } = find(argv);
	const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
	if (options.includes('--help') || options.includes('-h')) return say(helpOf(command));
	return command.start(args, shell);
}

function find(argv: readonly string[]): { command: Command; args: readonly string[] } {
	const [first = '', second] = argv;
	const of = (name: string) => commands.find((one) => one.name === name);
	const alone = of(first);
	if (alone) return { command: alone, args: argv.slice(1) };
	const both = of(`${first} ${second ?? ''}`);
	if (both) return { command: both, args: argv.slice(2) };
	// `uhub runs` lists them.
	const list = of(`${first} list`);
	if (list && (second === undefined || second.startsWith('-'))) return { command: list, args: argv.slice(1) };
	const verbs = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
	throw usage(
		verbs.length > 0
			? `There is no "uhub ${first} ${second ?? ''}": ${first} takes ${verbs.join(', ')}.`
			: `There is no command "${first}". See uhub --help.`,
	);
}
