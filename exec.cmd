@rem Scripts in package.json begin with exec so that a signal to npm reaches the server and not a shell between them.
@rem cmd.exe has no exec, and finds this one.
@%*
