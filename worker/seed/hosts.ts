const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** As the hub keeps it: close together for a day, by the quarter of an hour before. */
const FINE = 5 * MINUTE;
const COARSE = 15 * MINUTE;
const DAYS = 14;

const round = (value: number) => Math.round(value * 100) / 100;

/** How the host of the nth agent was until `last`: a day that is busy in its middle, and a disk that fills. */
export function hostPast(last: number, nth: number) {
	const past: number[] = [];
	for (let at = last - DAYS * DAY; at < last - DAY; at += COARSE) past.push(at);
	for (let at = last - DAY; at <= last; at += FINE) past.push(at);
	return past.map((at) => {
		const hour = ((at % DAY) / HOUR + nth * 3) % 24;
		const busy = Math.max(0, Math.sin(((hour - 6) / 14) * Math.PI));
		const noise = (Math.sin(at / 4.1e6 + nth) + Math.sin(at / 1.3e6)) / 2;
		const load = Math.max(0.2, 0.6 + 3.4 * busy + 0.7 * noise);
		const filled = 171 + 22 * nth + ((at - last) / DAY + DAYS) * 1.6 + noise;
		return {
			snapshot_time: at,
			span_min: at < last - DAY ? COARSE / MINUTE : 1,
			cpu_cores: 8,
			cpu_load_1m: round(load),
			cpu_load_5m: round(0.9 * load + 0.1),
			cpu_load_15m: round(0.8 * load + 0.2),
			ram_total_gib: 31.3,
			ram_used_gib: round(9.5 + 6 * busy + noise),
			disk_path: '/',
			disk_total_gib: 400,
			disk_used_gib: round(filled),
			disk_free_gib: round(400 - filled),
		};
	});
}
