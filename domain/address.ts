import { z } from 'zod';

// Addresses that people type and that others will follow: nothing in them may be read as an option, a command or a secret.

// eslint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u0020\u007f-\u009f\\"'<>`{}|^\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

const parsed = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

function isHttps(text: string): boolean {
	if (unsafe.test(text) || !/^https:\/\//i.test(text)) return false;
	const url = parsed(text);
	return url?.protocol === 'https:' && /^[^-]/.test(url.hostname) && url.username === '' && url.password === '';
}

/** An address that is called by http, with nothing secret in it. What is behind it is judged by who calls it (webhook-address.ts). */
export const HttpUrl = z
	.string()
	.max(2048)
	.refine((text) => {
		if (unsafe.test(text) || !/^https?:\/\//i.test(text)) return false;
		const url = parsed(text);
		return url !== null && /^[^-]/.test(url.hostname) && url.username === '' && url.password === '';
	}, 'expected an https:// address without credentials');

/** An address that opens in a browser: https, and without a name or password in it. */
export const HttpsUrl = z.string().max(2048).refine(isHttps, 'expected an https:// address without credentials');

const host = '[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?';
const ssh = new RegExp(`^ssh://(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@)?${host}(?::[0-9]{1,5})?/[^-].*$`);
/** What git takes for ssh without saying so: `git@host:path`. */
const scp = new RegExp(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@${host}:(?![-:]).+$`);

/** Where a git repository lies: https or ssh. Other transports of git (`ext::`, `file:`) run commands or read disks. */
export const GitUrl = z
	.string()
	.max(1024)
	.refine(
		(text) => isHttps(text) || (!unsafe.test(text) && (ssh.test(text) || scp.test(text))),
		'expected https://… or ssh://… (or git@host:path), without a password or token in it',
	);

/** A branch, a tag or a commit, as git names them; what begins with a dash would be an option. */
export const GitRevision = z
	.string()
	.max(200)
	.regex(/^[A-Za-z0-9_][A-Za-z0-9._/+-]*$/, 'expected a branch, a tag or a commit')
	.refine(
		(name) => !/\.\.|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name),
		'expected a branch, a tag or a commit, as git names them',
	);
