import { createHash } from 'node:crypto';
import type { Command, Seen } from '../contract.ts';

/** Where a run is on one of its hosts. Two of them may be one machine under two names, so nothing of it is shared. */
export interface Place extends Seen {
	/** In the environment of all that it starts there. */
	mark: string;
}

/** Where its processes would see it on a host of its own: what `placeOn` then tells apart. */
export const seenAt = (dir: string, run: string): Seen => ({
	dir: `${dir.replace(/\/$/, '')}/uhub-${run}`,
	secrets: `/dev/shm/uhub-${run}`,
});

export function placeOn(host: string, seen: Seen, mark: string): Place {
	const own = createHash('sha256').update(`${mark} ${host}`).digest('hex').slice(0, 32);
	const tail = own.slice(0, 8);
	return { dir: `${seen.dir}-${tail}`, secrets: `${seen.secrets}-${tail}`, mark: own };
}

/** A command as it is on that host. */
export function commandThere(command: Command, host: string, seen: Seen, place: Place): Command {
	const there = (value: string): string => {
		if (value.startsWith(`${seen.dir}/`)) return place.dir + value.slice(seen.dir.length);
		return value.startsWith(`${seen.secrets}/`) ? place.secrets + value.slice(seen.secrets.length) : value;
	};
	const [program, ...args] = command.argv;
	return {
		...command,
		argv: [there(program), ...args.map(there)],
		env: {
			...Object.fromEntries(Object.entries(command.env).map(([name, value]) => [name, there(value)])),
			UHUB_RUN_MARK: place.mark,
			UHUB_HOST: host,
		},
	};
}
