import { DomainError, type FieldError } from '#domain/errors.ts';
import type { Fault } from './kinds.ts';

const LINE_FEED = 10;

/** What is wrong with a line of an archive. Nothing of the part it stands in was taken. */
export function badLine(line: number, kind: string | null, faults: readonly Fault[]): DomainError {
	const errors = faults.slice(0, 20).map(({ path, message }): FieldError => {
		return { path: ['lines', line, ...path].map(String).join('.'), message };
	});
	const [first] = faults;
	const field = (first?.path ?? [])
		.filter((part) => part !== 'row')
		.map(String)
		.join('.');
	const where = `Line ${String(line)}${kind === null ? '' : ` (${kind})`}`;
	return new DomainError('invalid', `${where}: ${field ? `${field} ` : ''}${first?.message ?? 'is not valid'}.`, {
		errors,
	});
}

/**
 * The lines of a body, without their ends, as they come in. What stands behind the last line feed is no line yet and is not given.
 * Throws on a line of more than `max` bytes before it is whole. `from` is the first one's number.
 */
export async function* linesOf(body: AsyncIterable<Uint8Array>, from: number, max: number): AsyncGenerator<Uint8Array> {
	let line = from;
	let begun: Uint8Array[] = [];
	let size = 0;
	for await (const part of body) {
		for (let at = 0; at < part.length;) {
			const feed = part.indexOf(LINE_FEED, at);
			const piece = part.subarray(at, feed === -1 ? part.length : feed);
			size += piece.length;
			if (size > max) throw badLine(line, null, [{ path: [], message: `is longer than ${String(max)} bytes` }]);
			begun.push(piece);
			if (feed === -1) break;
			yield begun.length === 1 ? piece : joined(begun, size);
			line++;
			begun = [];
			size = 0;
			at = feed + 1;
		}
	}
}

export function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
	const whole = new Uint8Array(size);
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

/** How deep JSON may be nested: the database's own reading of it has a limit too. */
const DEPTH_MAX = 100;

/** A line's JSON. Throws what is wrong with it. */
export function parseLine(bytes: Uint8Array, line: number): unknown {
	const bad = (message: string) => badLine(line, null, [{ path: [], message }]);
	if (line === 1 && bytes[0] === 0x1f && bytes[1] === 0x8b)
		throw bad('is the beginning of a gzip file: unpack it first');
	if (line === 1 && bytes[0] === 0x50 && bytes[1] === 0x4b)
		throw bad('is the beginning of a zip file: unpack it first');
	let text: string;
	try {
		text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
	} catch {
		throw bad('is not UTF-8');
	}
	if (isDeep(text)) throw bad('is nested too deeply');
	try {
		return JSON.parse(text);
	} catch {
		throw bad('is not JSON');
	}
}

function isDeep(text: string): boolean {
	let depth = 0;
	for (let at = 0; at < text.length; at++) {
		const char = text.charCodeAt(at);
		if (char === 34) {
			// To the end of the string, over what is escaped in it.
			for (at++; at < text.length && text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92) at++;
		} else if (char === 91 || char === 123) {
			if (++depth > DEPTH_MAX) return true;
		} else if (char === 93 || char === 125) depth--;
	}
	return false;
}
