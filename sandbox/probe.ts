// Started once under the limits of a worker, to see whether they can be had on this host.
process.stdout.write('ready');
