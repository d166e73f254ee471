import { fromBase64url, toBase64url } from './bytes.ts';

/**
 * Encryption with what only the hub knows: AES-256-GCM, a key for each purpose made from UHUB_SECRET by HKDF. What was sealed
 * for one purpose, or about one row, does not open for another.
 */
export interface Sealer {
	seal(purpose: string, about: string, text: string): Promise<string>;
	/** Null where it was not sealed here, for this, about that. */
	open(purpose: string, about: string, sealed: string): Promise<string | null>;
}

const IV_BYTES = 12;
const utf8 = new TextEncoder();

export function sealerOf(secret: string): Sealer {
	const keyFor = async (purpose: string) =>
		crypto.subtle.deriveKey(
			{ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info: utf8.encode(`uhub ${purpose}`) },
			await crypto.subtle.importKey('raw', utf8.encode(secret), 'HKDF', false, ['deriveKey']),
			{ name: 'AES-GCM', length: 256 },
			false,
			['encrypt', 'decrypt'],
		);
	return {
		async seal(purpose, about, text) {
			const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
			const cipher = await crypto.subtle.encrypt(
				{ name: 'AES-GCM', iv, additionalData: utf8.encode(about) },
				await keyFor(purpose),
				utf8.encode(text),
			);
			const sealed = new Uint8Array(IV_BYTES + cipher.byteLength);
			sealed.set(iv);
			sealed.set(new Uint8Array(cipher), IV_BYTES);
			return toBase64url(sealed);
		},
		async open(purpose, about, sealed) {
			try {
				const bytes = fromBase64url(sealed);
				const plain = await crypto.subtle.decrypt(
					{ name: 'AES-GCM', iv: bytes.subarray(0, IV_BYTES), additionalData: utf8.encode(about) },
					await keyFor(purpose),
					bytes.subarray(IV_BYTES),
				);
				return new TextDecoder().decode(plain);
			} catch {
				return null;
			}
		},
	};
}
