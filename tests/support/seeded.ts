/** Numbers from 0 to below 1, always the same ones for a seed (mulberry32). */
export function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

/** One of these. */
export function drawn<const T>(random: () => number, from: readonly [T, ...T[]]): T {
	return from[Math.floor(random() * from.length)] ?? from[0];
}
