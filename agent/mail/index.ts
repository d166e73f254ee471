import { z } from 'zod';
import { plainLine } from '#domain/common.ts';
import { MAIL_DETAIL_MAX, type Mailed } from '#domain/mail.ts';
import { mailText, messageId } from '#domain/mail-text.ts';
import { MailRequest } from '#protocol/mail-request.ts';
import type { Log } from '../log.ts';
import { type MailPolicy, mailRefusal } from '../policy/mail.ts';
import type { MailLedger } from './ledger.ts';
import type { Outgoing } from './smtp.ts';

const AT_ONCE_MAX = 4;
const HOUR_MS = 3_600_000;

export interface MailerOptions {
	policy: MailPolicy;
	/** The hub the agent was enrolled with. */
	hub: string;
	ledger: MailLedger;
	send: (policy: MailPolicy, mail: Outgoing) => Promise<Mailed>;
	log: Log;
	now: () => number;
}

/** Passes the hub's mails on: what its policy lets through, in the words of the templates, and each at most once. */
export class Mailer {
	readonly #o: MailerOptions;
	readonly #sending = new Set<string>();

	constructor(options: MailerOptions) {
		this.#o = options;
	}

	/** What became of it. The same again is answered with what became of it before. */
	async pass(key: string, mail: unknown): Promise<Mailed> {
		const { ledger, log, now, hub, policy, send } = this.#o;
		if (this.#sending.has(key)) return { error: 'busy', detail: 'the agent is sending it' };
		const before = ledger.of(key);
		if (before === 'sent') return { error: null, detail: '' };
		if (before === 'begun')
			return {
				error: 'uncertain',
				detail: 'it was handed over before, and the agent does not know whether it was taken',
			};
		const { data, error } = MailRequest.safeParse(mail);
		if (!data)
			return { error: 'policy', detail: short(`The agent does not understand the request: ${z.prettifyError(error)}`) };
		const refused = mailRefusal(data, policy, hub);
		if (refused !== null) {
			log(`a mail was refused: the policy ${refused}`);
			return { error: 'policy', detail: short(`The agent's policy ${refused}.`) };
		}
		if (this.#sending.size >= AT_ONCE_MAX) return { error: 'busy', detail: 'the agent is sending others' };
		if (ledger.since(now() - HOUR_MS) >= policy.per_hour)
			return { error: 'busy', detail: `the policy allows ${String(policy.per_hour)} mails an hour (mail.per_hour)` };
		this.#sending.add(key);
		try {
			await ledger.note(key, 'begun', now());
			const { to, locale, letter } = data;
			const outgoing = { ...mailText(letter, locale, data.hub), to, message_id: messageId(key, data.hub) };
			const mailed = await send(policy, outgoing);
			// What may have been taken stays begun.
			if (mailed.error !== 'uncertain') await ledger.note(key, mailed.error === null ? 'sent' : 'free', now());
			return mailed;
		} finally {
			this.#sending.delete(key);
		}
	}
}

const short = (text: string): string => plainLine(text, MAIL_DETAIL_MAX);
