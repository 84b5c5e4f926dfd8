/*
 * Sets the theme that was chosen on this device, before anything is painted. Without a choice the system's counts.
 */
try {
  const theme = localStorage.getItem('bridge-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // A browser that forbids storage shows the system's theme.
}
