// Runs before the first paint, so that what needs scripts shows only where there are scripts.
document.documentElement.classList.add("js");
