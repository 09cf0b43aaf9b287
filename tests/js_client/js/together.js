// Runs files with tests in this process. A process for each file would take most of the time.

for (const file of process.argv.slice(2)) await import(file);
