"""Work on files: copies, links, archives, permissions, odd names."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session

TREE = {
    "src/main.c": "int main(){}\n",
    "src/lib/util.c": "/* util */\n",
    "doc/a.md": "# a\n",
    "doc/b.md": "# b\n",
}


@session(
    shells=SHELLS,
    files=TREE,
    after={
        "src/main.c": None,
        "source/main.c": "int main(){}\n",
        "doc/a.md": None,
        "copy/util.c": "/* util */\n",
    },
)
def moving_about(e: Expert) -> None:
    """mv, cp -r, rm -r, rmdir, touch."""
    e.run("mv src source")
    e.run("cp -r source/lib copy")
    e.run("rm doc/a.md; rm -r missing")
    e.run("mkdir -p x/y/z && touch x/y/z/f && rm x/y/z/f && rmdir -p x/y/z")
    e.run("find . -type f | sort")


@session(files=TREE, after={"run.sh": "#!/bin/sh\necho ran\n"})
def links_and_permissions(e: Expert) -> None:
    """chmod, ln, ln -s, a dangling link, umask, stat."""
    e.run("printf '#!/bin/sh\\necho ran\\n' > run.sh; ./run.sh")
    e.run("chmod u+x run.sh && ./run.sh; stat -c '%a %F' run.sh")
    e.run("ln -s src/main.c short.c; cat short.c; readlink short.c")
    e.run("ln doc/a.md hard.md; stat -c %h hard.md")
    e.run("ln -s nowhere dangling; cat dangling")
    e.run("umask 077; touch private; stat -c %a private")
    e.run("chmod 000 private; chmod 750 doc; stat -c '%a' private doc")
    e.run("rm dangling short.c")


@session(files=TREE, after={"out/doc/a.md": "# a\n", "t.tar.gz": re.compile("")}, tools=("gzip",), exit=2)
def archives(e: Expert) -> None:
    """tar and gzip there and back, with a fixed time so that the archive is the same each time."""
    e.run("tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - doc src | gzip -n > t.tar.gz")
    e.run("tar tzf t.tar.gz")
    e.run("mkdir out && tar xzf t.tar.gz -C out && ls -R out")
    e.run("gzip -k doc/a.md && zcat doc/a.md.gz; gzip -l doc/a.md.gz | wc -l")
    e.run("sha256sum t.tar.gz")
    e.run("tar xzf missing.tar.gz")


@session(exit=1, shells=SHELLS, files=TREE, after={"count.txt": "2\n"})
def find_and_xargs(e: Expert) -> None:
    """find by name, type and emptiness; xargs with and without -0; -exec."""
    e.run("find . -name '*.md' | sort")
    e.run("find . -name '*.c' -print0 | sort -z | xargs -0 wc -c")
    e.run("find doc -type f | wc -l > count.txt")
    e.run("find . -name '*.c' -exec basename {} ';' | sort")
    e.run("find doc -name '*.md' | sort | xargs -n1 -I{} echo got {}")
    e.run("find . -empty; find missing")


@session(after={"a b.txt": "1\n", "-dash": "2\n", "tab\tname": "3\n", "naïve 日本": "4\n"})
def odd_names(e: Expert) -> None:
    """Files with spaces, dashes, tabs, accents, a newline and invalid UTF-8 in their names."""
    e.run("echo 1 > 'a b.txt'; echo 2 > ./-dash")
    e.run("echo 3 > $'tab\\tname'; echo 4 > 'naïve 日本'")
    e.run("echo 5 > $'new\\nline'; echo 6 > $'bad\\xff'")
    e.run("ls -b")
    e.run("cat -- -dash 'a b.txt'")
    e.run("rm $'new\\nline'; ls | wc -l")


@session(files={"big.bin": bytes(range(256)) * 400}, after={"half.bin": bytes(range(256)) * 200})
def binary_files(e: Expert) -> None:
    """Looks into a binary file, cuts it by dd, compares, prints it raw."""
    e.run("od -A x -t x1z -N 48 big.bin")
    e.run("dd if=big.bin of=half.bin bs=256 count=200 status=none; ls -s --block-size=1 half.bin | wc -l")
    e.run("cmp big.bin half.bin")
    e.run("head -c 300 big.bin | tail -c 44")
    e.run("cat -v <(head -c 40 big.bin); echo")
    e.run("xxd big.bin | head -2")
    e.run("base64 -w 40 half.bin | head -2; file big.bin || true")


@session(tools=("gzip",), shells=("bash", "zsh"), after={"app.log": "", "app.log.1.gz": re.compile("")})
def rotating_logs(e: Expert) -> None:
    """A cron-like script that rotates a log; run twice."""
    e.paste(
        "cat > rotate.sh <<'EOF'\n"
        "#!/bin/sh\n"
        "set -e\n"
        "log=${1:?log}\n"
        '[ -f "$log.1.gz" ] && mv "$log.1.gz" "$log.2.gz"\n'
        'gzip -nc "$log" > "$log.1.gz"\n'
        ': > "$log"\n'
        'echo "rotated $log"\n'
        "EOF"
    )
    e.see(r"EOF\s*\Z")
    e.press("enter")
    e.prompt()
    e.run("chmod +x rotate.sh; echo one > app.log; ./rotate.sh app.log")
    e.run("echo two > app.log; ./rotate.sh app.log")
    e.run("zcat app.log.2.gz app.log.1.gz; ls app.log*")
    e.run("./rotate.sh")
    e.run("true")


@session(
    files={f"many/f{n:03}.txt": f"{n}\n" for n in range(300)},
    after={"many/f007.txt": None, "sum.txt": "44843\n"},
)
def many_files(e: Expert) -> None:
    """Three hundred files, some removed, all summed, all changed."""
    e.run("ls many | wc -l")
    e.run("rm many/f007.txt")
    e.run("cat many/*.txt | paste -sd+ | sed 's/$//' | python3 -c 'print(eval(input()))' > sum.txt")
    e.run("sed -i 's/$/!/' many/f01?.txt; cat many/f01*.txt | wc -c")
    e.run("ls many")


@session(after={"made/by/script.txt": "5\n"})
def files_from_python(e: Expert) -> None:
    """Python makes, reads and removes files; truncates one while the shell looks."""
    e.run(
        "python3 -c \"import pathlib; p = pathlib.Path('made/by'); p.mkdir(parents=True); "
        "(p / 'script.txt').write_text('5\\n')\""
    )
    e.run("cat made/by/script.txt; truncate -s 0 empty; fallocate -l 4096 hole 2>/dev/null; rm -f hole")
    e.run("python3 -c \"import os; print(sorted(os.listdir('.')), os.stat('empty').st_size)\"")


@session(after={"x.txt": "deleted and made again\n"})
def same_path_other_kind(e: Expert) -> None:
    """A path that is a file, then a folder, then a link, then a file again."""
    e.run("echo file > x.txt")
    e.run("rm x.txt; mkdir x.txt; ls -d x.txt/")
    e.run("rmdir x.txt; ln -s /etc/hostname x.txt; test -L x.txt && echo link")
    e.run("rm x.txt; echo deleted and made again > x.txt")
    e.run("mkfifo pipe; (echo through > pipe &); cat pipe; rm pipe")
