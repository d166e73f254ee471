import { common, type Options, parse, type Parsed } from './args.ts';
import type { Ask, Input } from './ask.ts';
import type { Hub } from './hub.ts';
import { type Out, Output } from './output.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Interrupt = 'SIGINT' | 'SIGTERM';

/** All that a command touches of the world. */
export interface Shell {
	env: Environment;
	stdin: Input;
	stdout: Out;
	stderr: Out;
	ask: Ask;
	/** The hub that one is signed in to. */
	hub(): Promise<Hub>;
	/** For who waits and can be interrupted; answers how to stop listening. */
	onInterrupt(handler: (signal: Interrupt) => void): () => void;
}

export interface Tools extends Shell {
	out: Output;
}

export interface Command {
	/** As typed: `runs list`. */
	name: string;
	summary: string;
	operands: readonly string[];
	options: Options;
	/** Answers the exit code. */
	start(args: readonly string[], shell: Shell): Promise<number>;
}

/** A command, whose input is typed by what it says it takes. `[NAME]` is an operand that may be left out. */
export function command<const N extends readonly string[], O extends Options>(spec: {
	name: string;
	summary: string;
	operands: N;
	options: O;
	/** Answers the exit code where it is not 0. */
	run(input: Parsed<N, O>, tools: Tools): Promise<number | undefined>;
}): Command {
	const { name, summary, operands, run } = spec;
	return {
		name,
		summary,
		operands,
		options: { ...spec.options, ...common },
		start: async (args, shell) => {
			const input = parse(operands, spec.options, args);
			return (await run(input, { ...shell, out: new Output(shell, input.json) })) ?? 0;
		},
	};
}
