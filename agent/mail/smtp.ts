import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { plainLine } from '#domain/common.ts';
import type { MailText } from '#domain/mail-text.ts';
import { MAIL_DETAIL_MAX, type Mailed, type MailError } from '#domain/mail.ts';
import { codeOf, messageOf } from '../failure.ts';
import { ownSecret, SecretUnavailable } from '../own-secret.ts';
import type { MailPolicy } from '../policy/mail.ts';

/** For each step of it, and for all. */
const STEP_MS = 10_000;
const ALL_MS = 30_000;
/** Larger than any that the templates make. */
const MAIL_MAX_BYTES = 262_144;

export interface Outgoing extends MailText {
	to: string;
	message_id: string;
}

/** Throws where the server is not reached, or does not let this agent in. `progress` has the connection from the beginning, to be closed. */
async function connected(policy: MailPolicy, progress: Progress): Promise<SMTPConnection> {
	const { host, port, security, ca, server_name } = policy;
	const servername = server_name ?? (isIP(host) === 0 ? host : undefined);
	const connection = new SMTPConnection({
		...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
		...{ connectionTimeout: STEP_MS, greetingTimeout: STEP_MS, socketTimeout: STEP_MS, dnsTimeout: STEP_MS },
		...{ socketCloseTimeout: 0, maxResponseSize: 65_536 },
		...(servername !== undefined && { servername }),
		tls: {
			minVersion: 'TLSv1.2',
			...(ca !== null && { ca: await readFile(ca) }),
			...(servername !== undefined && { servername }),
		},
	});
	progress.connection = connection;
	// Whoever waits is told by its callback; afterwards nobody is concerned any more.
	connection.on('error', () => undefined);
	await said((done) => {
		connection.once('error', done);
		connection.connect(done);
	});
	if (policy.user !== null && policy.password !== null) {
		const [user, pass] = await Promise.all([ownSecret(policy.user), ownSecret(policy.password)]);
		await said((done) => {
			connection.once('error', done);
			connection.login({ user, pass }, done);
		});
	}
	return connection;
}

const said = (ask: (done: (error?: Error | null) => void) => void): Promise<void> =>
	new Promise((resolve, reject) => {
		ask((error) => {
			if (error) reject(error);
			else resolve();
		});
	});

/** For `doctor`: throws unless the server is reached as the policy says and lets the agent in. */
export async function tryServer(policy: MailPolicy): Promise<void> {
	const progress: Progress = { handed: false, connection: null };
	try {
		(await connected(policy, progress)).quit();
	} finally {
		progress.connection?.close();
	}
}

interface Progress {
	/** The server may have it. */
	handed: boolean;
	connection: SMTPConnection | null;
}

/** Hands one mail to the server. It comes to an end, and says whether the server may have it. */
export async function sendBySmtp(policy: MailPolicy, mail: Outgoing): Promise<Mailed> {
	const progress: Progress = { handed: false, connection: null };
	let over = false;
	let late: NodeJS.Timeout | undefined;
	try {
		const message = await composed(policy, mail);
		if (message.length > MAIL_MAX_BYTES) return { error: 'refused', detail: 'the mail is too large' };
		const timeout = new Promise<never>((_, reject) => {
			late = setTimeout(() => {
				reject(Object.assign(new Error('it took too long'), { code: 'ETIMEDOUT' }));
			}, ALL_MS);
		});
		const sending = async () => {
			const connection = await connected(policy, progress);
			if (over) throw new Error('it took too long');
			await handOver(connection, { from: policy.from, to: mail.to, message, progress });
			connection.quit();
		};
		const work = sending();
		// Where time runs out first the connection is closed, and nothing is handed over any more.
		work.catch(() => undefined);
		await Promise.race([work, timeout]);
		return { error: null, detail: '' };
	} catch (error) {
		over = true;
		progress.connection?.close();
		return { error: errorOf(error, progress.handed), detail: plainLine(messageOf(error), MAIL_DETAIL_MAX) };
	} finally {
		clearTimeout(late);
	}
}

const handOver = (
	connection: SMTPConnection,
	{ from, to, message, progress }: { from: string; to: string; message: Buffer; progress: Progress },
): Promise<void> =>
	said((done) => {
		connection.once('error', done);
		// Read only when the server has agreed to take it: from then on it may have it.
		const body = Readable.from(
			(function* () {
				progress.handed = true;
				yield message;
			})(),
		);
		connection.send({ from, to: [to], size: message.length }, body, done);
	});

const composed = (
	{ from }: MailPolicy,
	{ to, subject, text, html, message_id, preferences }: Outgoing,
): Promise<Buffer> =>
	new MailComposer({
		from: { name: 'uHub', address: from },
		to: { name: '', address: to },
		...{ subject, text, html, messageId: message_id },
		headers: { 'List-Unsubscribe': `<${preferences}>`, 'Auto-Submitted': 'auto-generated' },
		...{ disableFileAccess: true, disableUrlAccess: true, newline: 'win' },
	})
		.compile()
		.build();

function errorOf(error: unknown, handed: boolean): MailError {
	const reply = error instanceof Error && 'responseCode' in error ? Number(error.responseCode ?? 0) : 0;
	if (error instanceof SecretUnavailable) return 'auth';
	if (handed && reply === 0) return 'uncertain';
	const code = codeOf(error);
	// ENOENT, EACCES: who vouches for certificates cannot be read.
	if (/CERT|TLS|SSL|ENOENT|EACCES/.test(code) || /certificate|STARTTLS/i.test(messageOf(error))) return 'tls';
	if (code === 'EAUTH' || code === 'ENOAUTH') return 'auth';
	if (code === 'EENVELOPE' && reply >= 500) return 'recipient';
	if (reply !== 0 || code === 'EMESSAGE' || code === 'EENVELOPE') return 'refused';
	return code === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
}
