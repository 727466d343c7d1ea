<?php

/**
 * Resolves the names of PHP files with nikic/php-parser's NameResolver.
 *
 * Reads paths from standard input, one per line, and prints one JSON object
 * per line for each: {"file": …, "names": [[kind, byte, written, resolved], …]},
 * or {"file": …, "error": …} where the file has syntax errors. Kinds are
 * "class", "function" and "const"; what is resolved has no leading backslash;
 * a function or constant that PHP looks up in two places has them as
 * "namespaced|global".
 */

declare(strict_types=1);

require '/usr/share/php/PhpParser/autoload.php';

use PhpParser\Node;
use PhpParser\NodeTraverser;
use PhpParser\NodeVisitor\NameResolver;
use PhpParser\NodeVisitorAbstract;

final class Collector extends NodeVisitorAbstract
{
    /** @var list<array{string, int, string, string}> */
    public array $names = [];

    public function __construct(private readonly string $source)
    {
    }

    public function enterNode(Node $node)
    {
        $called = $node instanceof Node\Expr\FuncCall ? $node->name : null;
        $constant = $node instanceof Node\Expr\ConstFetch ? $node->name : null;
        $kind = $called !== null ? 'function' : ($constant !== null ? 'const' : null);
        $name = $called ?? $constant;
        if ($name instanceof Node\Name) {
            $name->setAttribute('kind', $kind);
        }
        // Declarations of namespaces and imports are not references.
        if ($node instanceof Node\Stmt\Namespace_) {
            $node->name?->setAttribute('kind', 'none');
        }
        if ($node instanceof Node\Stmt\Use_ || $node instanceof Node\Stmt\GroupUse) {
            return NodeTraverser::DONT_TRAVERSE_CHILDREN;
        }
        if ($node instanceof Node\Name) {
            $this->add($node, $node->getAttribute('kind', 'class'));
        }
        return null;
    }

    private function add(Node\Name $name, string $kind): void
    {
        $at = $name->getStartFilePos();
        $written = substr($this->source, $at, $name->getEndFilePos() + 1 - $at);
        $resolved = $name->getAttribute('resolvedName');
        $namespaced = $name->getAttribute('namespacedName');
        if ($kind === 'none' || ($resolved === null && $namespaced === null)) {
            return;
        }
        if ($name->isSpecialClassName() || in_array(strtolower($written), ['true', 'false', 'null'], true)) {
            return;
        }
        $resolved = $resolved !== null
            ? $resolved->toString()
            : $namespaced->toString() . '|' . $name->toString();
        $this->names[] = [$kind, $at, $written, $resolved];
    }
}

$lexer = new PhpParser\Lexer\Emulative(['usedAttributes' => ['startFilePos', 'endFilePos']]);
$parser = (new PhpParser\ParserFactory())->create(PhpParser\ParserFactory::ONLY_PHP7, $lexer);

while (($file = fgets(STDIN)) !== false) {
    $file = rtrim($file, "\n");
    try {
        $source = file_get_contents($file);
        $statements = $parser->parse($source);
        $resolver = new NameResolver(null, ['preserveOriginalNames' => false, 'replaceNodes' => false]);
        $collector = new Collector($source);
        foreach ([$resolver, $collector] as $visitor) {
            // Two passes: the first resolves, the second reads.
            $traverser = new NodeTraverser();
            $traverser->addVisitor($visitor);
            $statements = $traverser->traverse($statements);
        }
        $answer = ['file' => $file, 'names' => $collector->names];
    } catch (PhpParser\Error $error) {
        $answer = ['file' => $file, 'error' => $error->getMessage()];
    }
    echo json_encode($answer, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
