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
