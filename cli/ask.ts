import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Exit, Failure } from './failure.ts';

/** A person is asked at their terminal; a program gives its answers as lines of standard input. */
export type Ask = (question: string, secret?: 'secret') => Promise<string>;

/** A terminal, a file or a pipe. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean };

/** More than any password and code together. */
const INPUT_MAX = 65_536;

/** All of standard input, of which there is not too much. */
export async function readAll(stdin: Input, max = INPUT_MAX): Promise<string> {
	const parts: Buffer[] = [];
	let length = 0;
	for await (const part of stdin) {
		const bytes = Buffer.from(part);
		length += bytes.length;
		if (length > max) throw new Failure(`There is more on standard input than the ${String(max)} bytes that may be.`);
		parts.push(bytes);
	}
	return Buffer.concat(parts).toString();
}

export function asker(stdin: Input, stderr: NodeJS.WritableStream): Ask {
	if (stdin.isTTY) return (question, secret) => atTerminal(stdin, stderr, question, secret !== undefined);
	let lines: Promise<string[]> | null = null;
	return async (question) => {
		lines ??= readAll(stdin).then((text) => text.split(/\r?\n/));
		const line = (await lines).shift();
		if (line === undefined || line === '')
			throw new Failure(`${question} is needed, and standard input has no more lines.`);
		return line;
	};
}

async function atTerminal(
	stdin: Input,
	stderr: NodeJS.WritableStream,
	question: string,
	secret: boolean,
): Promise<string> {
	const nowhere = new Writable({ write: (_part, _encoding, done) => done() });
	const reading = createInterface({ input: stdin, output: secret ? nowhere : stderr, terminal: true, historySize: 0 });
	// Only now is the terminal in raw mode, where what is typed appears as it is written, and nowhere else.
	if (secret) stderr.write(`${question}: `);
	const leave = new AbortController();
	reading.once('SIGINT', () => {
		leave.abort();
	});
	reading.once('close', () => {
		leave.abort();
	});
	try {
		return await reading.question(secret ? '' : `${question}: `, { signal: leave.signal });
	} catch (error) {
		if (!leave.signal.aborted) throw error;
		throw new Failure('Nothing was entered.', Exit.interrupted);
	} finally {
		reading.close();
		if (secret) stderr.write('\n');
	}
}
