import { Stream } from '#protocol/run-frames.ts';
import { type Command, type Exit, type Output, STOPPED } from './contract.ts';
import { stepEnded } from './step-ended.ts';

/** How a backend carries out one command after the other. */
export interface Carrier {
	stopping(): boolean;
	/** Before anything is told of a step. Answers why it does not come to that. */
	before?(n: number): Promise<Exit | null>;
	run(command: Command, n: number): Promise<Exit>;
	/** What there is to tell of a step beside its name. */
	about?(n: number): { image?: string };
	/** The step that an earlier process of the agent had come to. */
	began?: number;
}

/** A run's commands in their order, until one fails; each is a step of it. */
export async function inOrder(commands: readonly Command[], output: Output, carrier: Carrier): Promise<Exit> {
	const { began = 0 } = carrier;
	let exit: Exit = { kind: 'exit', code: 0 };
	for (const [index, command] of commands.entries()) {
		const n = index + 1;
		if (n < began) continue;
		if (n > began) {
			if (carrier.stopping()) return STOPPED;
			const why = await carrier.before?.(n);
			if (why) return why;
		}
		if (commands.length > 1)
			output.note(Stream.stdout, `── ${String(n)}/${String(commands.length)} ${command.name.replace(/\p{C}/gu, '')}`);
		output.record({
			type: 'step_started',
			n,
			host: null,
			name: command.name,
			tool: command.tool,
			...carrier.about?.(n),
		});
		exit = await carrier.run(command, n);
		output.record(stepEnded(n, null, exit, carrier.stopping()));
		if (exit.kind !== 'exit' || exit.code !== 0) return exit;
	}
	return exit;
}
