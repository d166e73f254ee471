// `npm run import -- FILE [ADDRESS]`: an archive becomes the content of a hub that is empty yet. docs/backup.md
import fs from 'node:fs';
import readline from 'node:readline';
import { Writable } from 'node:stream';
import { Failure, messageOf } from './lib/failure.mjs';
import { sendArchive } from './lib/send-archive.mjs';
import { localUrlOf, readSettings } from './lib/settings.mjs';

/** Asks on the terminal; a secret is not shown. @param {string} question @param {boolean} secret */
function ask(question, secret) {
	if (!process.stdin.isTTY)
		throw new Failure('there is no terminal to ask on: set UHUB_ADMIN and UHUB_ADMIN_PASSWORD for the account.');
	process.stdout.write(question);
	const output = secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stdout;
	const lines = readline.createInterface({ input: process.stdin, output, terminal: true });
	return new Promise((/** @type {(answer: string) => void} */ resolve) => {
		lines.question('', (answer) => {
			lines.close();
			if (secret) process.stdout.write('\n');
			resolve(answer.trim());
		});
	});
}

async function main() {
	const [file, address] = process.argv.slice(2);
	if (!file) throw new Failure('say which file, as in: npm run import -- uhub-2026-11-24.jsonl');
	if (!fs.existsSync(file)) throw new Failure(`there is no file ${file}.`);
	const { host, port } = readSettings(process.env, process.cwd());
	const hub = new URL(address ?? localUrlOf(host, port)).origin;
	const username =
		process.env.UHUB_ADMIN || (await ask('Sign in afterwards as (an admin of the archive, or a new name): ', false));
	const password = process.env.UHUB_ADMIN_PASSWORD || (await ask('With the password (at least 12 characters): ', true));

	let shown = -1;
	const user = await sendArchive(hub, file, { username, password }, (done) => {
		const percent = Math.floor(100 * done);
		if (percent !== shown && (process.stdout.isTTY || percent % 25 === 0))
			process.stdout.write(`${process.stdout.isTTY ? '\r' : ''}Sent ${percent} %${process.stdout.isTTY ? '' : '\n'}`);
		shown = percent;
	});
	if (process.stdout.isTTY) process.stdout.write('\n');
	console.log(`The archive is in ${hub}. Sign in as ${user.username}.`);
	console.log('The others get a password from you; agents enrol again under their names.');
}

main().catch((error) => {
	console.error(`Nothing was imported: ${error instanceof Failure ? error.message : messageOf(error)}`);
	process.exit(1);
});
