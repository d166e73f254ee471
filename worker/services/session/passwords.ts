import { hashPassword, verifyPassword } from 'better-auth/crypto';

/** Hashing of passwords (scrypt). A port, so that a test can count the work. */
export interface Passwords {
	hash(password: string): Promise<string>;
	verify(hash: string, password: string): Promise<boolean>;
}

// Each scrypt takes 16 MiB and some 60 ms of a thread; many at once would starve everything else the hub does.
const AT_ONCE = 2;
let busy = 0;
const waiting: (() => void)[] = [];

async function inTurn<R>(work: () => Promise<R>): Promise<R> {
	if (busy >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
	else busy++;
	try {
		return await work();
	} finally {
		const next = waiting.shift();
		if (next) next();
		else busy--;
	}
}

export const passwords: Passwords = {
	hash: (password) => inTurn(() => hashPassword(password)),
	verify: (hash, password) => inTurn(() => verifyPassword({ hash, password })),
};

/** Checked when there is no such person, so that the answer takes the same work. No password is known to match it. */
export const DECOY = '00000000000000000000000000000000:' + '0'.repeat(128);
