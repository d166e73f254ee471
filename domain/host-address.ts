// How Ansible reads the name or the address of a host, ranges and all (its parsing/utils/addresses.py).

const hex = String.raw`(?:[0-9a-f]{1,4}|\[(?:[0-9a-f]{1,4}:[0-9a-f]{1,4})(?::[0-9]+)?\])`;
const alnum = String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`;
const label = String.raw`(?:[\p{L}\p{N}_]|${alnum})(?:[\p{L}\p{N}_-]|${alnum})*(?<![_-])`;
const hostname = new RegExp(String.raw`^${label}(?:\.${label})*$`, 'iu');
const ipv6 = new RegExp(
	`^(?:${[
		`(?:${hex}:){7}${hex}`,
		`(?:${hex}:){1,6}:`,
		...[1, 2, 3, 4, 5, 6].map((n) => `(?:${hex}:){${String(n)}}(?::${hex}){1,${String(7 - n)}}`),
		`:(?::${hex}){1,6}`,
		`${hex}?::`,
	].join('|')})$`,
	'i',
);

/** A host's name or address with the port that may follow it; null where Ansible would not call it one. */
export function hostAddress(text: string): { name: string; port: number | null } | null {
	const ported = /^\[(.+)\]:([0-9]+)$/.exec(text) ?? /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/.exec(text);
	const name = ported?.[1] ?? text;
	if (!ipv6.test(name) && !hostname.test(name)) return null;
	return { name, port: ported ? Number(ported[2]) : null };
}
