import type { Exit } from '../contract.ts';

const good = (exit: Exit): boolean => exit.kind === 'exit' && exit.code === 0;

function said(exit: Exit): string {
	switch (exit.kind) {
		case 'exit':
			return `exit code ${String(exit.code)}`;
		case 'failed':
		case 'lost':
			return exit.reason.code.replaceAll('_', ' ');
		case 'signal':
			return exit.signal;
		case 'not_started':
			return 'not started';
		case 'broken':
			return 'broken off';
	}
}

/** How a run ended, by how it ended on each of its hosts: as on the only one, or how many failed. Pure. */
export function exitOf(exits: Iterable<readonly [host: string, Exit]>): Exit {
	const all = [...exits];
	const [[, only] = []] = all;
	if (all.length === 1 && only) return only;
	const bad = all.filter(([, exit]) => !good(exit));
	if (bad.length === 0) return { kind: 'exit', code: 0 };
	const words = bad.map(([host, exit]) => `${host} (${said(exit)})`).join(', ');
	const message = `${String(bad.length)} of ${String(all.length)} hosts failed: ${words}`;
	const lost = bad.find(([, exit]) => exit.kind === 'lost')?.[1];
	if (lost?.kind === 'lost') return { kind: 'lost', reason: { ...lost.reason, message: message.slice(0, 500) } };
	return { kind: 'failed', reason: { code: 'hosts_failed', message: message.slice(0, 500) }, code: null };
}
