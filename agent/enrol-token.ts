import { createReadStream } from 'node:fs';
import { codeOf, Failure } from './failure.ts';

/** Longer than any token: what is not one is not read to its end. */
const TOKEN_MAX = 1024;

/** The token as it was given, or for `-` the first line of standard input or of a file. */
export async function enrolToken(given: string, file: string | undefined): Promise<string> {
	if (given !== '-') return given;
	const from = file ?? 'standard input';
	let text = '';
	try {
		for await (const part of file === undefined ? process.stdin : createReadStream(file)) {
			text += String(part);
			if (text.includes('\n') || text.length > TOKEN_MAX) break;
		}
	} catch (error) {
		throw new Failure(`Cannot read the token from ${from}: ${codeOf(error)}.`);
	}
	const token = text.split('\n', 1)[0]?.trim() ?? '';
	if (token === '') throw new Failure(`There is no token in ${from}.`);
	return token.slice(0, TOKEN_MAX);
}
