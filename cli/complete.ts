import { choicesOf } from './args.ts';
import type { Command } from './command.ts';

/**
 * What may be typed next: `words` is what stands after `uhub`, the last of them (which may be empty) being typed. Only words of
 * this program's own are offered, never names from a hub: shells have ways to run them.
 */
export function complete(words: readonly string[], commands: readonly Command[]): string[] {
	const typing = words.at(-1) ?? '';
	const before = words.slice(0, -1);
	const starts = (candidates: readonly string[]) =>
		[...new Set(candidates)].filter((one) => one.startsWith(typing)).sort();

	const command = commands.find(({ name }) => {
		const parts = name.split(' ');
		return parts.every((part, at) => before[at] === part);
	});
	if (!command) {
		const at = before.length;
		const next = commands
			.map(({ name }) => name.split(' '))
			.filter((parts) => before.every((word, n) => parts[n] === word))
			.flatMap((parts) => parts[at] ?? []);
		return starts(next);
	}
	const previous = command.options[before.at(-1)?.replace(/^--/, '') ?? ''];
	if (before.at(-1)?.startsWith('--') && previous && previous.kind !== 'flag') return starts(choicesOf(previous));
	return typing.startsWith('-') ? starts(Object.keys(command.options).map((name) => `--${name}`)) : [];
}
