import { isLoopback } from '#domain/hub-address.ts';

interface Enrol {
	/** The hub's origin, as this browser reaches it. */
	hub: string;
	token: string;
	/** Whether the host's policy begins by allowing uploaded shell scripts; else it allows nothing. */
	allowLocal: boolean;
}

/** Where the agent lies once the command has fetched it. */
export const AGENT_FILE = 'uhub-agent.mjs';

/**
 * The one command that fetches the agent from the hub, enrols a host and starts it, for a POSIX shell. `printf` is the shell's own: no
 * list of processes shows the token.
 */
export function enrolCommand({ hub, token, allowLocal }: Enrol): string {
	const { origin, protocol, hostname } = new URL(hub);
	const flags = [
		`--hub ${origin}`,
		'--token -',
		...(allowLocal ? ['--allow-local'] : []),
		// As the agent asks for where a hub without TLS is not on its own machine.
		...(protocol === 'http:' && !isLoopback(hostname) ? ['--insecure'] : []),
	];
	return [
		`curl -fsSO ${origin}/downloads/${AGENT_FILE}`,
		`printf %s ${token} | node ${AGENT_FILE} enroll ${flags.join(' ')}`,
		`node ${AGENT_FILE} start`,
	].join(' && ');
}
