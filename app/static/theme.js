// Before the first paint: the theme and language this browser showed last, so that nothing flashes.
(() => {
	try {
		const { theme, locale } = JSON.parse(localStorage.getItem('uhub.look') ?? '{}');
		if (['dark', 'light', 'contrast', 'terminal'].includes(theme)) document.documentElement.dataset.theme = theme;
		if (['fr', 'en'].includes(locale)) document.documentElement.lang = locale;
	} catch {
		// Storage is off: the defaults hold.
	}
})();
