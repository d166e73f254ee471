interface Enrol {
	/** The hub's origin, as this browser reaches it. */
	hub: string;
	token: string;
	/** Whether the host's policy begins by allowing uploaded shell scripts; else it allows nothing. */
	allowLocal: boolean;
}

/** The one command that enrols a host and starts its agent, for a POSIX shell. */
export function enrolCommand({ hub, token, allowLocal }: Enrol): string {
	const { origin, protocol, hostname } = new URL(hub);
	const flags = [
		`--hub ${origin}`,
		`--token ${token}`,
		...(allowLocal ? ['--allow-local'] : []),
		...(protocol === 'http:' && !isLoopback(hostname) ? ['--insecure'] : []),
	];
	return `node dist/uhub-agent.mjs enroll ${flags.join(' ')} && node dist/uhub-agent.mjs start`;
}

/** The agent asks for `--insecure` where a hub without TLS is not on its own machine. */
const isLoopback = (host: string): boolean =>
	host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
