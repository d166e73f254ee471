import { enroll } from '#agent/commands/enroll.ts';

/** Enrols an agent as the command does, without a process of its own: those are dear, and agents many. It allows local runs of uploaded scripts. */
export const enrolled = (hub: string, token: string, home: string, name: string, capacity = 8): Promise<string> =>
	enroll({ hub, token, home, name, labels: [], capacity: String(capacity), insecure: false, allowLocal: true });
