import { styleText } from 'node:util';
import { plainText } from '#domain/terminal.ts';
import type { Environment } from './command.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong';
const looks = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', strong: 'bold' } as const;

/** How to write for people: in colour or not, and how wide their terminal is where there is one. */
export interface Style {
	paint(tone: Tone | null, text: string): string;
	width: number | null;
}

export const PLAIN: Style = { paint: (_, text) => text, width: null };

/** A terminal, a file or a pipe. */
export type Out = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

interface Streams {
	env: Environment;
	stdout: Out;
	stderr: Out;
}

export const inColour = (env: Environment, stream: { isTTY?: boolean }): boolean =>
	stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

export class Output {
	readonly json: boolean;
	readonly #streams: Streams;

	constructor(streams: Streams, json: boolean) {
		this.#streams = streams;
		this.json = json;
	}

	/** The answer: as the API gave it, or written for people. */
	show(answer: unknown, human: (style: Style) => string): void {
		this.#streams.stdout.write(`${this.json ? jsonText(answer, 2) : human(this.#style())}\n`);
	}

	/** One of many answers, a line each. */
	line(answer: unknown): void {
		this.#streams.stdout.write(`${jsonText(answer)}\n`);
	}

	/** What is said beside the answer; no program need read it. */
	note(text: string): void {
		this.#streams.stderr.write(`${plainText(text)}\n`);
	}

	#style(): Style {
		const { env, stdout } = this.#streams;
		const paint: Style['paint'] = inColour(env, stdout)
			? (tone, text) => (tone === null ? text : styleText(looks[tone], text, { validateStream: false }))
			: PLAIN.paint;
		return { paint, width: (stdout.isTTY && stdout.columns) || null };
	}
}

/** JSON in which nothing acts on a terminal: what JSON itself lets stand is escaped too, and means the same. */
export const jsonText = (value: unknown, indent?: number): string =>
	JSON.stringify(value, null, indent).replace(
		/[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
		(c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);
