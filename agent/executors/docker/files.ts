import path from 'node:path';
import type { Readable } from 'node:stream';
import tar from 'tar-fs';
import { NotPrepared } from '../contract.ts';
import { PLACE } from './container.ts';
import type { Engine } from './engine.ts';

const PASSWD_MAX = 1_048_576;
const TAR_BLOCK = 512;

export interface Owner {
	uid: number;
	gid: number;
}

/** A directory as it is to be in a run's volume: the same modes, another owner. */
export const archiveOf = (dir: string, { uid, gid }: Owner): Readable =>
	tar.pack(dir, {
		map: (header) => ({
			...header,
			name: path.posix.join(path.posix.basename(PLACE.dir), header.name),
			uid,
			gid,
			uname: '',
			gname: '',
		}),
	});

/** Who a user is in a container's image; '' is root. Throws `NotPrepared` where the image does not know the name. */
export async function ownerOf(user: string, container: string, engine: Engine): Promise<Owner> {
	const [who = '', group = ''] = user.split(':');
	const gid = /^\d+$/.test(group) ? Number(group) : 0;
	if (who === '') return { uid: 0, gid };
	if (/^\d+$/.test(who)) return { uid: Number(who), gid };
	const passwd = await textIn(await engine.get(container, '/etc/passwd'));
	for (const line of passwd.split('\n')) {
		const [name, , uid, own] = line.split(':');
		if (name === who && /^\d+$/.test(uid ?? ''))
			return { uid: Number(uid), gid: group === '' ? Number(own) || 0 : gid };
	}
	throw new NotPrepared(`the image has no user ${who}`);
}

/** The content of the one file an archive holds; '' where it holds none. */
async function textIn(archive: AsyncIterable<Buffer> | null): Promise<string> {
	const parts: Buffer[] = [];
	let length = 0;
	for await (const part of archive ?? []) {
		parts.push(part);
		length += part.length;
		if (length > PASSWD_MAX) break;
	}
	const bytes = Buffer.concat(parts);
	const size = parseInt(bytes.toString('latin1', 124, 136), 8) || 0;
	return bytes.toString('utf8', TAR_BLOCK, TAR_BLOCK + size);
}
