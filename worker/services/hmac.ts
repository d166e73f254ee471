const utf8 = new TextEncoder();
const HEX = /^[0-9a-f]{64}$/i;

const keyOf = (secret: string) =>
	crypto.subtle.importKey('raw', utf8.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16));

/** Whether it is the HMAC-SHA256 of the body under the secret, in hexadecimal. Compared by the platform, whose time says nothing. */
export async function isSigned(secret: string, hex: string, body: Uint8Array): Promise<boolean> {
	return HEX.test(hex) && crypto.subtle.verify('HMAC', await keyOf(secret), bytesOf(hex), body);
}

/** Whether two texts are one, in a time that says nothing of where they differ. */
export async function isSame(expected: string, given: string): Promise<boolean> {
	const key = await keyOf(expected);
	return crypto.subtle.verify(
		'HMAC',
		key,
		await crypto.subtle.sign('HMAC', key, utf8.encode(expected)),
		utf8.encode(given),
	);
}
