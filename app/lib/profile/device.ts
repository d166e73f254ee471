const browsers: [RegExp, string][] = [
	[/\bEdg\//, 'Edge'],
	[/\bOPR\//, 'Opera'],
	[/\bFirefox\//, 'Firefox'],
	[/\bChrome\/|\bHeadlessChrome\//, 'Chrome'],
	[/\bSafari\//, 'Safari'],
	[/^curl\//, 'curl'],
];
const systems: [RegExp, string][] = [
	[/\bAndroid\b/, 'Android'],
	[/\biPhone\b|\biPad\b/, 'iOS'],
	[/\bWindows\b/, 'Windows'],
	[/\bMac OS X\b/, 'macOS'],
	[/\bLinux\b/, 'Linux'],
];

/** A browser and its system by the name it gives itself, for a person to know it by; null where it says nothing known. */
export function deviceOf(user_agent: string | null): string | null {
	const named = (known: [RegExp, string][]) => known.find(([test]) => test.test(user_agent ?? ''))?.[1];
	return [named(browsers), named(systems)].filter(Boolean).join(' · ') || null;
}
