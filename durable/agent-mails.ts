import type { Mailed } from '#domain/mail.ts';
import type { FromAgent } from '#protocol/agent.ts';
import type { MailRequest } from '#protocol/mail-request.ts';
import { type Connection, tell } from './core/transport/connection.ts';

/** Longer than an agent takes for one. */
const PATIENCE_MS = 45_000;
const AT_ONCE_MAX = 32;

/** Mails that the agent was asked to pass on and has not answered. In memory: whoever asked asks again. */
export class AgentMails {
	readonly #waiting = new Map<string, (mailed: Mailed) => void>();

	async ask(to: Connection, key: string, mail: MailRequest): Promise<Mailed> {
		if (this.#waiting.size >= AT_ONCE_MAX || this.#waiting.has(key))
			return { error: 'busy', detail: 'the agent has enough mails to pass on' };
		let late: ReturnType<typeof setTimeout> | undefined;
		const answered = new Promise<Mailed>((resolve) => {
			this.#waiting.set(key, resolve);
			late = setTimeout(() => {
				resolve({ error: 'timeout', detail: 'the agent did not answer' });
			}, PATIENCE_MS);
		});
		tell(to, { type: 'mail', key, mail });
		try {
			return await answered;
		} finally {
			clearTimeout(late);
			this.#waiting.delete(key);
		}
	}

	answered({ key, error, detail }: Extract<FromAgent, { type: 'mailed' }>): void {
		this.#waiting.get(key)?.({ error, detail });
	}
}
