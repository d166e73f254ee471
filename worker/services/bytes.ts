import { invalid } from '#domain/errors.ts';
import { toHex } from '#protocol/run-frames.ts';

export const toBase64url = (bytes: Uint8Array): string =>
	btoa(String.fromCharCode(...bytes))
		.replace(/\+/g, '-')
		.replace(/\//g, '_')
		.replace(/=+$/, '');

/** Throws where it is not base64url. */
export const fromBase64url = (text: string): Uint8Array<ArrayBuffer> =>
	Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));

/** Lower-case hexadecimal SHA-256. */
export const sha256 = async (bytes: Uint8Array): Promise<string> =>
	toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** Piece by piece: the bytes become arguments of one call, and those are limited. */
export function toBase64(bytes: Uint8Array): string {
	let text = '';
	for (let at = 0; at < bytes.length; at += 32_766)
		text += btoa(String.fromCharCode(...bytes.subarray(at, at + 32_766)));
	return text;
}

export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
	Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

export function jsonOf(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
	} catch {
		throw invalid('', 'is not JSON in UTF-8');
	}
}

/** One after the other. */
export function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
	const all = new Uint8Array(a.length + b.length);
	all.set(a);
	all.set(b, a.length);
	return all;
}
