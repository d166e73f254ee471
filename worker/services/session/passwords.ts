import { hashPassword, verifyPassword } from 'better-auth/crypto';
import { toBase64url } from '../bytes.ts';

/** Hashing of passwords (scrypt). A port, so that a test can count the work. */
export interface Passwords {
	hash(password: string): Promise<string>;
	verify(hash: string, password: string): Promise<boolean>;
}

export const passwords: Passwords = {
	hash: hashPassword,
	verify: (hash, password) => verifyPassword({ hash, password }),
};

/** Checked when there is no such person, so that the answer takes the same work. No password is known to match it. */
export const DECOY = `${'0'.repeat(32)}:${'0'.repeat(128)}`;

/** A password for somebody to start with: 120 bits. */
export const newPassword = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(15)));
