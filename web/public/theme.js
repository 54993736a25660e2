// Before anything is painted: the theme that the person chose, so that no page flashes in the other one.
try {
  const theme = localStorage.getItem("tutti.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // without storage the system's theme it is
}
