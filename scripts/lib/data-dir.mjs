// The directory the hub keeps everything in: private to its user, writable, with room left.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { Failure, messageOf } from './failure.mjs';

const MEGABYTE = 1024 * 1024;
// Linux allows 107 bytes for a unix socket's path, macOS 103.
const LONGEST_SOCKET_PATH = 100;
const PARTS = ['objects', 'd1', 'r2', 'cron', 'agent', 'logs'];

/** Node's own `recursive` never returns where a directory cannot be made, as under /proc. @param {string} dir */
function makeDirs(dir) {
	if (fs.existsSync(dir)) return;
	makeDirs(path.dirname(dir));
	fs.mkdirSync(dir, { mode: 0o700 });
}

/** @param {string} dir */
export function prepareDataDir(dir) {
	try {
		makeDirs(dir);
		if (fs.statSync(dir).mode & 0o077) fs.chmodSync(dir, 0o700);
		for (const part of PARTS) makeDirs(path.join(dir, part));
		const probe = path.join(dir, `.writable-${process.pid}`);
		fs.writeFileSync(probe, 'x');
		fs.rmSync(probe);
	} catch (error) {
		throw new Failure(`UHUB_DATA_DIR (${dir}) cannot be used: ${messageOf(error)}.`);
	}
}

/** @param {string} dir an existing directory @param {number} megabytes @param {string} purpose */
export function requireRoom(dir, megabytes, purpose) {
	const { bavail, bsize } = fs.statfsSync(dir);
	const free = Math.floor((bavail * bsize) / MEGABYTE);
	if (free < megabytes)
		throw new Failure(`There is not enough room in ${dir}: ${purpose} needs ${megabytes} MB and ${free} MB are free.`);
}

/**
 * Where the control socket goes: in the data directory unless its path is too long for a socket.
 * @param {string} dataDir
 * @param {string} [temp]
 */
export function controlSocketPath(dataDir, temp = os.tmpdir()) {
	const natural = path.join(dataDir, 'control.sock');
	if (Buffer.byteLength(natural) <= LONGEST_SOCKET_PATH) return natural;
	const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
	return path.join(temp, `uhub-${name}`, 'control.sock');
}

/** Makes the socket's directory ours alone, and removes what a killed hub left there. @param {string} socket */
export function prepareControlSocket(socket) {
	const dir = path.dirname(socket);
	fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
	const { uid, mode } = fs.lstatSync(dir);
	if (uid !== process.getuid?.() || mode & 0o077)
		throw new Failure(`${dir} must belong to you alone (mode 0700): whoever reaches it controls the hub.`);
	fs.rmSync(socket, { force: true });
}
