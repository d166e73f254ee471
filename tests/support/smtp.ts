// A mail server on this machine, which keeps what it is handed.
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Taken {
	from: string;
	to: string[];
	/** The message to the byte. */
	raw: string;
	secure: boolean;
	user: unknown;
}

export interface MailServer {
	port: number;
	taken: Taken[];
	/** Breaks every connection there is. */
	cut(): void;
	close(): Promise<void>;
}

/** Takes mails of `hub` with the password `right`, after STARTTLS with this certificate, unless the options say otherwise. */
export async function mailServer(options: SMTPServerOptions): Promise<MailServer> {
	const taken: Taken[] = [];
	const server = new SMTPServer({
		disableReverseLookup: true,
		onAuth: ({ username, password }, _, done) => {
			if (username === 'hub' && password === 'right') done(null, { user: username });
			else done(new Error('no such user'));
		},
		onData: (stream, { envelope, secure, user }, done) => {
			const parts: Buffer[] = [];
			stream.on('data', (part: Buffer) => parts.push(part));
			stream.on('end', () => {
				const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
				const to = envelope.rcptTo.map(({ address }) => address);
				taken.push({ from, to, raw: Buffer.concat(parts).toString(), secure, user });
				done();
			});
		},
		...options,
	});
	const sockets = new Set<Socket>();
	server.server.on('connection', (socket) => sockets.add(socket));
	// What a client does to a connection is the test's own doing.
	server.on('error', () => undefined);
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	return {
		port: (server.server.address() as AddressInfo).port,
		taken,
		cut: () => {
			for (const socket of sockets) socket.destroy();
		},
		close: () => new Promise((done) => void server.close(done)),
	};
}

/** The head of a message, unfolded, by lower-case name. */
export function headOf(raw: string): Map<string, string> {
	const [head = ''] = raw.split('\r\n\r\n');
	return new Map(
		head
			.replace(/\r\n[ \t]+/g, ' ')
			.split('\r\n')
			.map((line): [string, string] => {
				const at = line.indexOf(':');
				return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
			}),
	);
}
