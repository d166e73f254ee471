import { base32 } from '@better-auth/utils/base32';
import { createOTP } from '@better-auth/utils/otp';
import { sha256 } from '../bytes.ts';

/** RFC 6238 as every authenticator has it: SHA-1, six digits, a new code every 30 seconds. */
const STEP_MS = 30_000;
/** Clocks may be one step apart, either way. */
const DRIFT = 1;
const SECRET_BYTES = 20;
const RECOVERY_CODES = 10;
/** 80 bits: too many to guess, so one round of SHA-256 keeps them. */
const RECOVERY_BYTES = 10;

export const newSecret = (): string => base32.encode(random(SECRET_BYTES), { padding: false });

/** What an authenticator reads from the QR code. What it leaves out is what every authenticator takes for granted: a smaller picture. */
export function otpauthUri(secret: string, username: string, host: string): string {
	const issuer = `uHub ${host}`;
	const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(username)}`;
	return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}`;
}

/**
 * The time step whose code this is, or null. Steps up to `last` are over: a code that was taken once, or one from before it, is
 * wrong. Every step is compared, whatever the others said.
 */
export async function stepOf(secret: string, code: string, now: number, last: number): Promise<number | null> {
	const otp = createOTP(base32.decode(secret));
	const present = Math.floor(now / STEP_MS);
	let found: number | null = null;
	for (let step = present - DRIFT; step <= present + DRIFT; step++)
		if (same(await otp.hotp(step), code) && step > last) found = step;
	return found;
}

/** Fresh recovery codes as they are shown, and the hashes that are kept. */
export async function newRecoveryCodes(user_id: number): Promise<{ shown: string[]; hashes: string[] }> {
	const codes = Array.from({ length: RECOVERY_CODES }, () =>
		base32.encode(random(RECOVERY_BYTES), { padding: false }).toLowerCase(),
	);
	return {
		shown: codes.map((code) => code.replace(/.{4}(?=.)/g, '$&-')),
		hashes: await Promise.all(codes.map((code) => recoveryHash(user_id, code))),
	};
}

export const recoveryHash = (user_id: number, code: string): Promise<string> =>
	sha256(new TextEncoder().encode(`${String(user_id)}:${code}`));

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

function same(a: string, b: string): boolean {
	let difference = a.length ^ b.length;
	for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
	return difference === 0;
}
