// What a far end may do that sshd does only now and then: a server of ssh2's own says it, over a real connection.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import ssh2, { type Server, type ServerChannel } from 'ssh2';
import { afterEach, expect, it } from 'vitest';
import { startCommand } from '#agent/executors/ssh/remote-command.ts';
import { Lane } from '#agent/lane.ts';
import { Forms } from '#agent/mask.ts';

const hostKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
let server: Server;
let client: ssh2.Client;
afterEach(() => {
	client.end();
	server.close();
});

/** Runs a command where `answer` is all there is of the host: given the channel, and the line by which a command says it has begun. */
async function command(answer: (channel: ServerChannel, begins: string) => void) {
	server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
		connection.on('authentication', (context) => {
			context.accept();
		});
		connection.on('session', (accept) => {
			accept().on('exec', (take) => {
				const channel = take();
				let asked = '';
				channel.on('data', (bytes: Buffer) => (asked += bytes.toString()));
				channel.once('end', () => {
					answer(channel, `${/uhub-begins-[0-9a-f]+/.exec(asked)?.[0] ?? ''} 4242\n`);
				});
			});
		});
		connection.on('error', () => undefined);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	client = new ssh2.Client();
	client.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, username: 'x', password: 'x' });
	await once(client, 'ready');
	let said = '';
	const lane = new Lane('web1', new Forms([]), (_, bytes) => void (said += bytes.toString()));
	const started = await startCommand(client, { name: 'x', tool: 'shell', argv: ['/bin/true'], env: {} }, '/', lane);
	const [begun, exit] = await Promise.all([started.begun, started.exited]);
	await started.drained;
	lane.end();
	return { begun, exit, said };
}

it('a command whose end is told before what it said has begun', async () => {
	const told = await command((channel, begins) => {
		channel.exit(3);
		channel.end(`${begins}hello\n`);
	});
	expect(told).toMatchObject({ begun: 4242, exit: { kind: 'exit', code: 3 } });
	expect(told.said).toContain('hello');
});

it('a command that ends without having said that it began has not', async () => {
	const told = await command((channel) => {
		channel.exit(126);
		channel.end('a banner\n');
	});
	expect(told).toEqual({ begun: null, exit: { kind: 'exit', code: 126 }, said: '' });
});
